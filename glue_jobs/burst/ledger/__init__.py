"""What each batch read and wrote, as records in the lake bucket."""
