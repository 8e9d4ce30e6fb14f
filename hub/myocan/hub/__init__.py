"""The hub: takes messages in, decides by the rules of the house, and sends messages out."""
