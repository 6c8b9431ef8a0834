// Placeholder until the settings table stands.
