"""What all commands share: options, printing, waiting, completion, exit codes."""
