"""The command line. `main.py` lists the commands; each group of commands has its own file."""
