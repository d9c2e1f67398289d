"""S3 from inside a task: clients, fetching, repeating what breaks off, what errors mean."""
