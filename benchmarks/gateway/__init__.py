"""What the gateway to Amazon Bedrock is proven against, and how well it does."""
