/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/now.h"
#include "snapshot/node.h"
#include "vmm/qmp.h"

#define SOON_MS 300
#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"
#define NOTHING "{\"return\": {}}\n"

/* A peer that says @text at once, @endless many times its last character, and
 * then hangs up or stays silent. */
struct peer {
    const char *text;
    size_t endless;
    bool stays;
    int fd;
};

static void *play(void *data)
{
    const struct peer *p = data;
    char ignored[4096], filling[4096];
    size_t len = strlen(p->text);
    bool good = send(p->fd, p->text, len, MSG_NOSIGNAL) == (ssize_t)len;

    memset(filling, 'x', sizeof filling);
    for (size_t sent = 0; good && sent < p->endless; sent += sizeof filling) {
        good = send(p->fd, filling, sizeof filling, MSG_NOSIGNAL) == (ssize_t)sizeof filling;
    }
    if (!p->stays) {
        (void)shutdown(p->fd, SHUT_WR);
    }
    while (read(p->fd, ignored, sizeof ignored) > 0) {
    }
    mig_fd_close(p->fd);
    return NULL;
}

static pthread_t start(struct peer *p, int *ret_fd)
{
    int ends[2];
    pthread_t thread;

    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    p->fd = ends[1];
    *ret_fd = ends[0];
    assert_int_equal(0, pthread_create(&thread, NULL, play, p));
    return thread;
}

/* The error of asking @p one thing, or "" */
static void ask(struct peer p, struct mig_error *err)
{
    struct mig_qmp *q = NULL;
    json_t *answer = NULL;
    int fd = -1;
    pthread_t thread = start(&p, &fd);

    *err = (struct mig_error){.code = MIG_OK};
    if (mig_qmp_take(fd, "there", SOON_MS, &q, err) &&
        mig_qmp_ask(q, "query-kvm", NULL, JSON_OBJECT, &answer, err)) {
        err->msg[0] = '\0';
    }
    json_decref(answer);
    mig_qmp_free(q);
    (void)pthread_join(thread, NULL);
}

CHECK_TEST(what_no_qemu_says_is_an_error)
{
    static const struct {
        const char *label;
        struct peer peer;
        enum mig_code code;
        const char *says;
    } cases[] = {
        {"silence",          {.text = "", .stays = true},                                          MIG_UNREACHABLE, "there: no answer within 300 ms"          },
        {"gone",             {.text = ""},                                                         MIG_UNREACHABLE, "there: closed before it answered"        },
        {"another protocol", {.text = "220 mail ESMTP\r\n"},                                       MIG_FORMAT,      "there: speaks no QMP"                    },
        {"no object",        {.text = "[1, 2]\n"},                                                 MIG_FORMAT,      "there: speaks no QMP"                    },
        {"no greeting",      {.text = "{\"return\": {}}\n"},                                       MIG_FORMAT,      "does not greet as QEMU does"             },
        {"an endless line",
         {.text = "{\"QMP\": \"", .endless = 8u << 20},
         MIG_LIMIT,                                                                                                 "there: a line of more than 1048576 bytes"},
        {"half an answer",
         {.text = GREETING NOTHING "{\"ret", .stays = true},
         MIG_UNREACHABLE,                                                                                           "no answer within"                        },
        {"refused",
         {.text = GREETING NOTHING "{\"error\": {\"class\": \"X\", \"desc\": \"no \\u001b\"}}\n"},
         MIG_REFUSED,                                                                                               "there: query-kvm: no ?"                  },
        {"another form",
         {.text = GREETING NOTHING "{\"return\": []}\n"},
         MIG_FORMAT,                                                                                                "has another form"                        },
        {"neither nor",
         {.text = GREETING NOTHING "{\"id\": 1}\n"},
         MIG_FORMAT,                                                                                                "expected return, error or event"         },
        {"twice the same",
         {.text = "{\"QMP\": {}, \"QMP\": {}}\n"},
         MIG_FORMAT,                                                                                                "there: speaks no QMP"                    },
        {"events first",
         {.text = GREETING NOTHING "{\"event\": \"STOP\"}\n{\"event\": \"RESUME\"}\n" NOTHING},
         MIG_OK,                                                                                                    ""                                        },
    };

    CHECK_EACH (c, cases) {
        struct mig_error err;

        ask(c->peer, &err);
        check_contains(c->label, c->says, err.msg);
        check_number(c->label, c->code, err.code);
    }
}

CHECK_TEST(nobody_listens)
{
    struct mig_qmp *q = NULL;
    struct mig_error err;

    check_true("dead", !mig_qmp_connect("/nonexistent/qmp", SOON_MS, &q, &err));
    check_contains("dead", "/nonexistent/qmp: No such file", err.msg);
}

CHECK_MAIN(cmocka_unit_test(what_no_qemu_says_is_an_error), cmocka_unit_test(nobody_listens))
