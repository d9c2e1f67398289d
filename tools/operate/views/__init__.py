"""How the answers are drawn. Green is as it should be, yellow waits for someone, red is wrong."""
