"""What developers run; nothing of Modelbus imports it."""
