"""The runner `sagemaker`: training jobs of Amazon SageMaker."""
