/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/terminal.h: a real terminal of a chosen width for tests of what is
 * only there on one.
 */
#pragma once

#include <stdio.h>

struct terminal {
    FILE *out; /* the side of a program */
    int master;
};

/* Fails the test when the machine has no pseudo-terminals. */
void terminal_open(struct terminal *t, unsigned short columns);
void terminal_close(struct terminal *t);
