"""The screens of the web app, a module each."""
