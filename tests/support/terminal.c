/* SPDX-License-Identifier: Apache-2.0 */
#include "support/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/check.h"

void terminal_open(struct terminal *t, unsigned short columns)
{
    const struct winsize size = {.ws_row = 24, .ws_col = columns};
    const char *name;

    t->master = posix_openpt(O_RDWR | O_NOCTTY);
    check_true("pseudo-terminal", t->master >= 0);
    check_true("grant", grantpt(t->master) == 0 && unlockpt(t->master) == 0);
    check_true("size", ioctl(t->master, TIOCSWINSZ, &size) == 0);
    name = ptsname(t->master);
    check_true("name", name != NULL);
    t->out = fopen(name, "w");
    check_true("open", t->out != NULL);
}

void terminal_close(struct terminal *t)
{
    (void)fclose(t->out);
    (void)close(t->master);
}
