"""The runner `gcp-vertex`: custom jobs of Vertex AI."""
