/* SPDX-License-Identifier: Apache-2.0 */
#include "support/qemu.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/check.h"

#define LATE_MS 10000
#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"

struct qemu {
    struct qemu_rows usual, other;
    int fd;
};

static const struct qemu_row *find_row(struct qemu_rows rows, const char *asked)
{
    for (size_t i = 0; i < rows.len; i++) {
        if (rows.items[i].asked != NULL && strcmp(rows.items[i].asked, asked) == 0) {
            return &rows.items[i];
        }
    }
    return NULL;
}

/* "qom-get" is told apart by path and property. */
static void name_question(const char *line, char ret[128])
{
    json_t *question = json_loads(line, 0, NULL);
    const char *execute = json_string_value(json_object_get(question, "execute"));
    json_t *arguments = json_object_get(question, "arguments");

    (void)snprintf(ret, 128, "%s", execute != NULL ? execute : "");
    if (strcmp(ret, "qom-get") == 0) {
        (void)snprintf(ret, 128, "%s %s", json_string_value(json_object_get(arguments, "path")),
                       json_string_value(json_object_get(arguments, "property")));
    }
    json_decref(question);
}

static bool answer(const struct qemu *q, const char *line)
{
    const struct qemu_row *row;
    MIG_AUTO(mig_free) char *text = NULL;
    char asked[128];

    name_question(line, asked);
    row = find_row(q->other, asked);
    if (row == NULL) {
        row = find_row(q->usual, asked);
    }
    if (row == NULL || row->returned == NULL) {
        text = mig_strf("{\"error\": {\"class\": \"GenericError\", \"desc\": \"not here\"}}\n");
    } else {
        text = mig_strf("{\"return\": %s}\n", row->returned);
    }
    return send(q->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Questions come one at a time, each a line. */
static void *play(void *data)
{
    const struct qemu *q = data;
    char line[4096];
    size_t len = 0;
    bool good = send(q->fd, GREETING, strlen(GREETING), MSG_NOSIGNAL) > 0;

    while (good && read(q->fd, &line[len], 1) == 1) {
        if (line[len] == '\n' || len + 2 == sizeof line) {
            line[len] = '\0';
            good = answer(q, line);
            len = 0;
        } else {
            len++;
        }
    }
    mig_fd_close(q->fd);
    return NULL;
}

bool qemu_with(struct qemu_rows usual, const struct qemu_row other[2], qemu_fn *fn, void *data,
               struct mig_error *err)
{
    struct qemu qemu = {
        usual, {other, other != NULL ? 2 : 0},
         -1
    };
    struct mig_qmp *q = NULL;
    pthread_t thread;
    int ends[2];
    bool good;

    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    qemu.fd = ends[1];
    assert_int_equal(0, pthread_create(&thread, NULL, play, &qemu));
    good = mig_qmp_take(ends[0], "there", LATE_MS, &q, err) && fn(q, data, err);
    mig_qmp_free(q);
    (void)pthread_join(thread, NULL);
    return good;
}
