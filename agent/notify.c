/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

static const char ready[] = "READY=1\n";

static void tell_manager(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    MIG_AUTO(mig_fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (len == 0 || len >= sizeof at.sun_path) {
        mig_log_warn("NOTIFY_SOCKET: not a socket path");
        return;
    }
    memcpy(at.sun_path, path, len);
    if (at.sun_path[0] == '@') {
        at.sun_path[0] = '\0'; /* abstract name space */
    }
    if (fd < 0 || sendto(fd, ready, strlen(ready), MSG_NOSIGNAL, (struct sockaddr *)&at,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
        mig_log_warn("NOTIFY_SOCKET: %s", strerror(errno));
    }
}

void mig_notify_ready(int fd)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct mig_error err;

    if (path != NULL) {
        tell_manager(path);
    }
    if (fd > 0) {
        if (!mig_fd_write(fd, "ready-fd", ready, strlen(ready), &err)) {
            mig_log_warn("%s", err.msg);
        }
        mig_fd_close(fd);
    }
}
