"""What a valid command needs of the records, checked by both doors."""
