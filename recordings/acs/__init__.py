"""Our side of the wire to Azure Communication Services, read from its public documents and never from `local_acs`."""
