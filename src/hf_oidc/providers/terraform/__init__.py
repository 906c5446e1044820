"""HCP Terraform."""
