"""What models are told: versioned templates, one YAML file a version."""
