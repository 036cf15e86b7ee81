"""The web app: pages for people, made on the server from the same functions as the API."""
