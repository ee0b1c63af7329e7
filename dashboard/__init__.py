"""The Django project and the pages an operator sees."""
