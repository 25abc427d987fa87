"""Plain values and the state machine of a job. No clock, no file, no socket."""
