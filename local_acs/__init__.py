"""An embedded, wire-compatible Azure Communication Services Call Recording service."""
