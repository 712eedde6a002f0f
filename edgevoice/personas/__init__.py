"""Who answers: personas, the versions of each, and the choice among them. Not loaded unless personas are enabled."""
