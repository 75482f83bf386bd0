//! Client and sandbox in one process, in virtual time.
