"""What is asked of a registry of images, whichever it is: the API of the OCI distribution."""
