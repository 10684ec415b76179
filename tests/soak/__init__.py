"""The soak: random work and random trouble for as long as asked, and the promises that must hold after each round."""
