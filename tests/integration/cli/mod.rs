//! The real executable, command by command.
