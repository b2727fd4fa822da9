"""The parts of each benchmark, a folder for each of the files beside this one."""
