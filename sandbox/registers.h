/*
 * Where a signal's context holds the arguments of the system call that it
 * interrupted: the one thing here that differs between machines.
 */
#ifndef PORTREEVE_SANDBOX_REGISTERS_H
#define PORTREEVE_SANDBOX_REGISTERS_H

#include <ucontext.h>

#if defined(__x86_64__)
#define REGISTERS_ARGUMENT_0(u) ((u)->uc_mcontext.gregs[REG_RDI])
#define REGISTERS_ARGUMENT_2(u) ((u)->uc_mcontext.gregs[REG_RDX])
#elif defined(__aarch64__)
#define REGISTERS_ARGUMENT_0(u) ((u)->uc_mcontext.regs[0])
#define REGISTERS_ARGUMENT_2(u) ((u)->uc_mcontext.regs[2])
#else
#error "say here where this machine keeps a system call's arguments"
#endif

#endif
