/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"

/* Room for the descriptors, aligned as their header. */
union control {
    struct cmsghdr header;
    unsigned char bytes[CMSG_SPACE(sizeof(int) * MIG_HANDOVER_FDS)];
};

bool mig_handover_send(int socket, const int *fds, size_t count, const void *bytes, size_t len,
                       struct mig_error *err)
{
    union control control = {0};
    unsigned char copy[MIG_HANDOVER_BYTES];
    struct iovec iov = {copy, len};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    ssize_t sent;

    MIG_ASSERT(count > 0 && count <= MIG_HANDOVER_FDS && len > 0 && len <= sizeof copy);
    memcpy(copy, bytes, len);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
    do {
        sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return mig_fail_errno(err, MIG_IO, "handing over %zu descriptors", count);
    }
    return (size_t)sent == len ||
           mig_fail(err, MIG_IO, "handing over: %zd bytes went out, expected %zu", sent, len);
}

/* All that came, wanted or not: what is not taken stays open. */
static void take_fds(struct msghdr *msg, struct mig_handover *h)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        size_t bytes = c->cmsg_len - CMSG_LEN(0);

        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            MIG_ASSERT(h->count * sizeof(int) + bytes <= sizeof h->fds);
            memcpy(h->fds + h->count, CMSG_DATA(c), bytes);
            h->count += bytes / sizeof(int);
        }
    }
}

static bool check(const struct mig_handover *h, size_t expected, int flags, struct mig_error *err)
{
    if (h->len == 0 && h->count == 0) {
        return mig_fail(err, MIG_MISSING, "handing over: peer closed, expected %zu descriptors",
                        expected);
    }
    if ((flags & MSG_CTRUNC) != 0) {
        return mig_fail(err, MIG_LIMIT,
                        "handing over: more descriptors than fit or than this process may have "
                        "open, expected %zu",
                        expected);
    }
    if ((flags & MSG_TRUNC) != 0) {
        return mig_fail(err, MIG_LIMIT,
                        "handing over: message is longer than the %d bytes expected"
                        " at most",
                        MIG_HANDOVER_BYTES);
    }
    return h->count == expected ||
           mig_fail(err, MIG_FORMAT, "handing over: %zu descriptors came, expected %zu", h->count,
                    expected);
}

bool mig_handover_receive(int socket, size_t expected, struct mig_handover *ret,
                          struct mig_error *err)
{
    union control control = {0};
    struct mig_handover h = {.count = 0};
    struct iovec iov = {h.bytes, sizeof h.bytes};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    ssize_t got;

    do {
        got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return mig_fail_errno(err, MIG_IO, "handing over: receiving");
    }
    h.len = (size_t)got;
    take_fds(&msg, &h);
    if (!check(&h, expected, msg.msg_flags, err)) {
        for (size_t i = 0; i < h.count; i++) {
            mig_fd_close(h.fds[i]);
        }
        return false;
    }
    *ret = h;
    return true;
}
