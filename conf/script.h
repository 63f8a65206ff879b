/*
 * Whether the kernel could start a file as a program: a script's first line.
 * Planner and CLI.
 */
#ifndef PORTREEVE_CONF_SCRIPT_H
#define PORTREEVE_CONF_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * true, and a sentence without the file's name, when fd (which may be an O_PATH
 * one, and stays the caller's) is a script that execve(2) would refuse. false
 * also for what cannot be read, and for what may be a program of a kind that we
 * do not know.
 */
bool script_fault(int fd, char *buf, size_t size);

#endif
