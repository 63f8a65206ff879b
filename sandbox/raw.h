/*
 * A system call of three arguments without the C library, which would store its
 * error in errno: the result, or a negative errno. Any process.
 */
#ifndef PORTREEVE_SANDBOX_RAW_H
#define PORTREEVE_SANDBOX_RAW_H

static inline long
raw_syscall3(long number, long a, long b, long c)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return (result);
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2)
			 : "memory");
	return (x0);
#else
#error "write the system call of this machine here"
#endif
}

#endif
