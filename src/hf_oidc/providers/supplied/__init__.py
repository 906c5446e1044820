"""An ID token that the user supplies."""
