"""The roles with which GitHub plans and deploys."""
