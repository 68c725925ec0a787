/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/now.h"
#include "base/text.h"
#include "snapshot/node.h"

#define CHUNK_BYTES 16384u
/* Events that may come before an answer; a running guest has a few a second. */
#define EVENTS_MAX 4096

struct mig_qmp {
    int fd;
    char *name;
    uint64_t deadline, timeout_ms;
    char *buffer; /* a line and what came behind it */
    size_t len, cap;
};

static bool wait_for(struct mig_qmp *q, short events, struct mig_error *err)
{
    for (;;) {
        struct pollfd pfd = {.fd = q->fd, .events = events};
        uint64_t now = mig_now_ms();
        int got;

        if (now >= q->deadline) {
            return mig_fail(err, MIG_UNREACHABLE, "%s: no answer within %llu ms", q->name,
                            (unsigned long long)q->timeout_ms);
        }
        got = poll(&pfd, 1, (int)(q->deadline - now));
        if (got > 0) {
            return true;
        }
        if (got < 0 && errno != EINTR) {
            return mig_fail_errno(err, MIG_IO, "%s", q->name);
        }
    }
}

/* @fd goes along with the first byte; -1: none. */
static ssize_t send_some(struct mig_qmp *q, const char *bytes, size_t len, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof fd)];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)bytes, len};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    struct cmsghdr *c;

    if (fd >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    return sendmsg(q->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool send_line(struct mig_qmp *q, const char *line, int fd, struct mig_error *err)
{
    size_t len = strlen(line), done = 0;

    while (done < len) {
        ssize_t put = send_some(q, line + done, len - done, done == 0 ? fd : -1);

        if (put >= 0) {
            done += (size_t)put;
        } else if (errno == EAGAIN) {
            if (!wait_for(q, POLLOUT, err)) {
                return false;
            }
        } else if (errno != EINTR) {
            return mig_fail_errno(err, MIG_UNREACHABLE, "%s", q->name);
        }
    }
    return true;
}

static bool fill(struct mig_qmp *q, struct mig_error *err)
{
    ssize_t got;

    if (q->len > MIG_QMP_LINE_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "%s: a line of more than %u bytes", q->name,
                        MIG_QMP_LINE_BYTES_MAX);
    }
    if (q->cap - q->len < CHUNK_BYTES) {
        q->cap += q->cap + CHUNK_BYTES;
        q->buffer = mig_resize(q->buffer, q->cap, 1);
    }
    if (!wait_for(q, POLLIN, err)) {
        return false;
    }
    got = recv(q->fd, q->buffer + q->len, q->cap - q->len, MSG_DONTWAIT);
    if (got == 0) {
        return mig_fail(err, MIG_UNREACHABLE, "%s: closed before it answered", q->name);
    }
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
        return mig_fail_errno(err, MIG_UNREACHABLE, "%s", q->name);
    }
    q->len += got > 0 ? (size_t)got : 0;
    return true;
}

/* The next line as a JSON object. */
static bool receive(struct mig_qmp *q, json_t **ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root;
    char *end;
    size_t line;

    while ((end = q->len == 0 ? NULL : memchr(q->buffer, '\n', q->len)) == NULL) {
        if (!fill(q, err)) {
            return false;
        }
    }
    line = (size_t)(end - q->buffer);
    if (!mig_node_parse_real(q->buffer, line, &document, err)) {
        return mig_wrap(err, "%s: speaks no QMP", q->name);
    }
    q->len -= line + 1;
    memmove(q->buffer, end + 1, q->len);
    root = mig_node_root(document);
    if (!mig_node_check_object(&root, NULL, err)) {
        return mig_wrap(err, "%s: speaks no QMP", q->name);
    }
    *ret = mig_steal(&document);
    return true;
}

static bool read_failure(const struct mig_qmp *q, const char *command, const json_t *failure,
                         struct mig_error *err)
{
    const char *why = json_string_value(json_object_get(failure, "desc"));
    MIG_AUTO(mig_free) char *copy = mig_strndup(why != NULL ? why : "no reason given", 300);

    mig_text_make_printable(copy);
    return mig_fail(err, MIG_REFUSED, "%s: %s: %s", q->name, command, copy);
}

/* What comes until an answer are events. */
static bool receive_answer(struct mig_qmp *q, const char *command, json_t **ret,
                           struct mig_error *err)
{
    for (int i = 0; i < EVENTS_MAX; i++) {
        MIG_AUTO(mig_node_free) json_t *reply = NULL;
        json_t *value;

        if (!receive(q, &reply, err)) {
            return false;
        }
        value = json_object_get(reply, "return");
        if (value != NULL) {
            *ret = json_incref(value);
            return true;
        }
        if (json_object_get(reply, "error") != NULL) {
            return read_failure(q, command, json_object_get(reply, "error"), err);
        }
        if (json_object_get(reply, "event") == NULL) {
            return mig_fail(err, MIG_FORMAT,
                            "%s: %s: expected return, error or event in the answer", q->name,
                            command);
        }
    }
    return mig_fail(err, MIG_LIMIT, "%s: %s: more than %d events before the answer", q->name,
                    command, EVENTS_MAX);
}

static bool ask_with(struct mig_qmp *q, const char *command, json_t *arguments, int fd,
                     json_t **ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *request = json_object();
    MIG_AUTO(mig_free) char *text = NULL, *line = NULL;

    MIG_ASSERT(json_object_set_new(request, "execute", json_string(command)) == 0);
    if (arguments != NULL) {
        MIG_ASSERT(json_object_set_new(request, "arguments", arguments) == 0);
    }
    text = json_dumps(request, JSON_COMPACT);
    MIG_ASSERT(text != NULL);
    line = mig_strf("%s\n", text);
    return send_line(q, line, fd, err) && receive_answer(q, command, ret, err);
}

static bool ask_any(struct mig_qmp *q, const char *command, json_t *arguments, json_t **ret,
                    struct mig_error *err)
{
    return ask_with(q, command, arguments, -1, ret, err);
}

void mig_qmp_extend(struct mig_qmp *q, uint64_t timeout_ms)
{
    q->deadline = mig_now_ms() + timeout_ms;
    q->timeout_ms = timeout_ms;
}

bool mig_qmp_give(struct mig_qmp *q, int fd, const char *name, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *nothing = NULL;

    return ask_with(q, "getfd", json_pack("{s:s}", "fdname", name), fd, &nothing, err);
}

bool mig_qmp_ask(struct mig_qmp *q, const char *command, json_t *arguments, json_type type,
                 json_t **ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *value = NULL;

    if (!ask_any(q, command, arguments, &value, err)) {
        return false;
    }
    if (json_typeof(value) != type) {
        return mig_fail(err, MIG_FORMAT, "%s: %s: the answer has another form than expected",
                        q->name, command);
    }
    *ret = mig_steal(&value);
    return true;
}

bool mig_qmp_ask_member(struct mig_qmp *q, const char *command, const char *key, char **ret,
                        struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    struct mig_node root, n;

    if (!mig_qmp_ask(q, command, NULL, JSON_OBJECT, &answer, err)) {
        return false;
    }
    root = mig_node_root(answer);
    if (!mig_node_find(&root, key, JSON_STRING, &n, err)) {
        return mig_wrap(err, "%s", command);
    }
    *ret = n.json != NULL ? mig_strdup(json_string_value(n.json)) : NULL;
    return true;
}

bool mig_qmp_ask_version(struct mig_qmp *q, char **ret, uint64_t *ret_major, struct mig_error *err)
{
    static const char *const keys[] = {"major", "minor", "micro"};
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    uint64_t part[MIG_COUNT(keys)] = {0};
    struct mig_node root, qemu, n;
    const char *package = "";

    if (!mig_qmp_ask(q, "query-version", NULL, JSON_OBJECT, &answer, err)) {
        return false;
    }
    root = mig_node_root(answer);
    if (!mig_node_get(&root, "qemu", JSON_OBJECT, &qemu, err) ||
        !mig_node_get_text(&root, "package", &package, err)) {
        return mig_wrap(err, "query-version");
    }
    for (size_t i = 0; i < MIG_COUNT(keys); i++) {
        if (!mig_node_get(&qemu, keys[i], JSON_REAL, &n, err) ||
            !mig_node_find_real(&qemu, keys[i], 1000000, &part[i], err)) {
            return mig_wrap(err, "query-version");
        }
    }
    *ret = mig_strf("%d.%d.%d%s%.100s%s", (int)part[0], (int)part[1], (int)part[2],
                    package[0] != '\0' ? " (" : "", package, package[0] != '\0' ? ")" : "");
    if (ret_major != NULL) {
        *ret_major = part[0];
    }
    return true;
}

bool mig_qmp_get(struct mig_qmp *q, const char *path, const char *property, json_t **ret,
                 struct mig_error *err)
{
    json_t *arguments = json_pack("{s:s, s:s}", "path", path, "property", property);

    return ask_any(q, "qom-get", arguments, ret, err) || mig_wrap(err, "%s", property);
}

bool mig_qmp_get_text(struct mig_qmp *q, const char *path, const char *property, char **ret,
                      struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *value = NULL;

    if (!mig_qmp_get(q, path, property, &value, err)) {
        return false;
    }
    if (!json_is_string(value)) {
        return mig_fail(err, MIG_FORMAT, "%s: qom-get: %s is no text", q->name, property);
    }
    *ret = mig_strdup(json_string_value(value));
    return true;
}

bool mig_qmp_peer(const struct mig_qmp *q, pid_t *ret, struct mig_error *err)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(q->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        return mig_fail_errno(err, MIG_IO, "%s: whose socket it is", q->name);
    }
    if (peer.pid <= 0) {
        return mig_fail(err, MIG_MISSING,
                        "%s: its process can not be seen from here (another pid namespace)",
                        q->name);
    }
    *ret = peer.pid;
    return true;
}

/* {"QMP": {...}} comes first, then capabilities are agreed on: none. */
static bool greet(struct mig_qmp *q, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *greeting = NULL, *nothing = NULL;

    if (!receive(q, &greeting, err)) {
        return mig_wrap(err, "QMP");
    }
    if (!json_is_object(json_object_get(greeting, "QMP"))) {
        return mig_fail(err, MIG_FORMAT, "QMP: %s: does not greet as QEMU does", q->name);
    }
    return mig_qmp_ask(q, "qmp_capabilities", NULL, JSON_OBJECT, &nothing, err) ||
           mig_wrap(err, "QMP");
}

bool mig_qmp_take(int fd, const char *name, uint64_t timeout_ms, struct mig_qmp **ret,
                  struct mig_error *err)
{
    MIG_AUTO(mig_qmp_free) struct mig_qmp *q = MIG_NEW(struct mig_qmp);

    *q = (struct mig_qmp){.fd = fd,
                          .name = mig_strdup(name),
                          .deadline = mig_now_ms() + timeout_ms,
                          .timeout_ms = timeout_ms};
    if (!greet(q, err)) {
        return false;
    }
    *ret = mig_steal(&q);
    return true;
}

bool mig_qmp_connect(const char *path, uint64_t timeout_ms, struct mig_qmp **ret,
                     struct mig_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        return mig_fail(err, MIG_USAGE, "%.80s...: longer than the path of a socket may be", path);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "socket");
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        /* EAGAIN: a QMP socket serves one at a time and has a short queue. */
        (void)mig_fail_errno(err, MIG_UNREACHABLE, "QMP: %s", path);
        mig_fd_close(fd);
        return false;
    }
    return mig_qmp_take(fd, path, timeout_ms, ret, err);
}

void mig_qmp_free(struct mig_qmp *q)
{
    if (q == NULL) {
        return;
    }
    mig_fd_close(q->fd);
    mig_free(q->name);
    mig_free(q->buffer);
    mig_free(q);
}
