/*
 * Text for mdoc(7), as the generators of manual pages print it to standard
 * output. Build time only.
 */
#ifndef PORTREEVE_TOOLS_MDOC_H
#define PORTREEVE_TOOLS_MDOC_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MDOC_WIDTH 76

/* One word: no escape, and at a line's begin no macro. */
static inline void
mdoc_word(const char *word, size_t n, bool begins)
{
	if (begins && (*word == '.' || *word == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < n; i++) {
		if (word[i] == '\\')
			fputs("\\e", stdout);
		else if (word[i] == '`')
			fputs("\\(aq", stdout);
		else
			putchar(word[i]);
	}
}

/* Words in lines that are not too long, a new line after each sentence. */
static inline void
mdoc_text(const char *text)
{
	size_t column = 0;

	text += strspn(text, " ");
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > MDOC_WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column > 0)
			putchar(' ');
		mdoc_word(text, n, column == 0);
		column += n + (column > 0);
		if (text[n - 1] == '.') {
			putchar('\n');
			column = 0;
		}
		text += n;
		text += strspn(text, " ");
	}
	if (column > 0)
		putchar('\n');
}

#endif
