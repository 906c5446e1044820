"""GitLab CI/CD."""
