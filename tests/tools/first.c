/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of an emulated host: loads kernel modules, runs commands,
 * switches the machine off.  Nothing else is there, not even a shell.
 *
 *   /first/modules    FILE [PARAMETERS]          one a line, in this order
 *   /first/network    INTERFACE ADDRESS MASK     may be missing
 *   /first/commands   PORT PROGRAM [ARGUMENTS]   PORT (/dev/ttyS1, ...) takes its
 *                                                output, byte for byte; errors and
 *                                                a last line go to the console
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define FILE_MAX_BYTES 4096
#define WORDS_MAX 32
#define DEVICE_TRIES 300

static void mount_all(void)
{
    static const struct {
        const char *type, *path;
    } mounts[] = {
        {"proc",     "/proc"},
        {"sysfs",    "/sys" },
        {"devtmpfs", "/dev" },
        {"tmpfs",    "/tmp" }
    };

    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        (void)mkdir(mounts[i].path, 0755);
        if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, NULL) != 0) {
            printf("first: mount %s: %s\n", mounts[i].path, strerror(errno));
        }
    }
}

static void load_module(char *line)
{
    char *path = strsep(&line, " ");
    MIG_AUTO(mig_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || syscall(SYS_finit_module, fd, line == NULL ? "" : line, 0) != 0) {
        printf("first: module %s: %s\n", path, strerror(errno));
    }
}

/* Drivers find their devices a little later than they are loaded. */
static void pause_for_device(void)
{
    (void)usleep(10000);
}

static bool set_address(int fd, const char *interface, unsigned long request, const char *address)
{
    struct ifreq r = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};

    (void)snprintf(r.ifr_name, sizeof r.ifr_name, "%s", interface);
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        errno = EINVAL;
        return false;
    }
    memcpy(&r.ifr_addr, &in, sizeof in);
    return ioctl(fd, request, &r) == 0;
}

static void set_network(char *line)
{
    const char *interface = strsep(&line, " "), *address = strsep(&line, " ");
    struct ifreq up = {.ifr_flags = IFF_UP | IFF_RUNNING};
    MIG_AUTO(mig_fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)snprintf(up.ifr_name, sizeof up.ifr_name, "%s", interface);
    for (int i = 0; i < DEVICE_TRIES && if_nametoindex(interface) == 0; i++) {
        pause_for_device();
    }
    if (address == NULL || line == NULL || !set_address(fd, interface, SIOCSIFADDR, address) ||
        !set_address(fd, interface, SIOCSIFNETMASK, line) || ioctl(fd, SIOCSIFFLAGS, &up) != 0) {
        printf("first: %s: %s\n", interface, strerror(errno));
    }
}

/* A serial port that leaves every byte as it is. */
static int open_port(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    struct termios t;

    for (int i = 0; i < DEVICE_TRIES && fd < 0 && errno == ENOENT; i++) {
        pause_for_device();
        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    }
    if (fd >= 0 && tcgetattr(fd, &t) == 0) {
        cfmakeraw(&t);
        (void)tcsetattr(fd, TCSANOW, &t);
    }
    return fd;
}

/* Through a pipe: programs behave otherwise on a terminal, which a port is. */
static int run(char *const argv[], int port)
{
    char *envp[] = {NULL}, bytes[4096];
    struct mig_error err;
    int ends[2], status = 0;
    ssize_t got;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        return 126;
    }
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execve(argv[0], argv, envp);
        _exit(127);
    }
    (void)close(ends[1]);
    while ((got = read(ends[0], bytes, sizeof bytes)) > 0) {
        if (!mig_fd_write(port, "port", bytes, (size_t)got, &err)) {
            printf("first: %s\n", err.msg);
            break;
        }
    }
    (void)close(ends[0]);
    (void)waitpid(pid, &status, 0);
    (void)tcdrain(port);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_command(char *line)
{
    char *argv[WORDS_MAX + 1] = {NULL};
    size_t len = 0;
    char *port = strsep(&line, " ");
    MIG_AUTO(mig_fd_close) int fd = open_port(port);

    while (len < WORDS_MAX && (argv[len] = strsep(&line, " ")) != NULL) {
        len++;
    }
    if (fd < 0 || len == 0) {
        printf("first: %s: %s\n", port, fd < 0 ? strerror(errno) : "no command");
        return;
    }
    printf("first: %s: status %d\n", port, run(argv, fd));
}

static void each_line(const char *path, void (*fn)(char *line))
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    struct mig_error err;
    char *rest, *line;

    if (!mig_file_read(path, FILE_MAX_BYTES, &file, &err)) {
        printf("first: %s\n", err.msg);
        return;
    }
    rest = (char *)file.items;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line != '\0') {
            fn(line);
            (void)fflush(stdout);
        }
    }
}

int main(void)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    mount_all();
    each_line("/first/modules", load_module);
    if (access("/first/network", R_OK) == 0) {
        each_line("/first/network", set_network);
    }
    each_line("/first/commands", run_command);
    printf("first: done\n");
    (void)tcdrain(STDOUT_FILENO);
    sync();
    return reboot(RB_POWER_OFF);
}
