/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/collect.h"
#include "agent/recall.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/now.h"

/* A folder that stands for "/". */
struct tree {
    char dir[64];
    int root;
    struct mig_builder *builder;
};

static struct tree tree_new(void)
{
    struct tree t = {.dir = "/tmp/collect-XXXXXX"};

    check_true("folder", mkdtemp(t.dir) != NULL);
    t.root = open(t.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    t.builder = mig_builder_new(MIG_ARCH_X86);
    return t;
}

static int remove_one(const char *path, const struct stat *st __attribute__((unused)),
                      int what __attribute__((unused)), struct FTW *ftw __attribute__((unused)))
{
    return remove(path);
}

static void tree_free(struct tree *t)
{
    mig_builder_free(t->builder);
    mig_fd_close(t->root);
    (void)nftw(t->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* With all folders above it. */
static char *tree_path(const struct tree *t, const char *path)
{
    char *whole = mig_strf("%s%s", t->dir, path);

    for (char *slash = strchr(whole + strlen(t->dir) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(whole, 0755);
        *slash = '/';
    }
    return whole;
}

static void put_bytes(const struct tree *t, const char *path, const void *bytes, size_t len,
                      mode_t mode)
{
    MIG_AUTO(mig_free) char *whole = tree_path(t, path);
    struct mig_error err;

    check_done(path, mig_file_write(whole, bytes, len, mode, &err), &err);
}

static void put(const struct tree *t, const char *path, const char *text)
{
    put_bytes(t, path, text, strlen(text), 0644);
}

static void put_folder(const struct tree *t, const char *path)
{
    MIG_AUTO(mig_free) char *whole = tree_path(t, path);

    check_true(path, mkdir(whole, 0755) == 0);
}

/* What was collected, and a fresh builder for the next round. */
static struct mig_snapshot *freeze(struct tree *t)
{
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    check_done("freeze", mig_builder_freeze(t->builder, &s, &err), &err);
    mig_builder_free(t->builder);
    t->builder = mig_builder_new(MIG_ARCH_X86);
    return s;
}

static const struct mig_fact *fact(const struct mig_snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->facts_len; i++) {
        if (strcmp(s->facts[i].name, name) == 0) {
            return &s->facts[i];
        }
    }
    return NULL;
}

static void check_fact(const struct mig_snapshot *s, const char *name, const char *value,
                       const char *source)
{
    const struct mig_fact *f = fact(s, name);

    check_true(name, f != NULL);
    if (f == NULL) {
        return; /* never: the check above ends the test */
    }
    check_text(name, value, f->value);
    check_text(name, source, f->source);
}

static void check_unreadable(const struct mig_snapshot *s, const char *name, int errnum)
{
    const struct mig_fact *f = fact(s, name);

    check_true(name, f != NULL);
    if (f == NULL) {
        return;
    }
    check_number(name, (uint64_t)errnum, (uint64_t)f->errnum);
    check_true(name, f->value == NULL);
}

CHECK_TEST(host_facts_name_the_file_they_come_from)
{
    static const struct {
        const char *fact, *path, *text, *value;
    } cases[] = {
        {"kernel.release",   "/proc/sys/kernel/osrelease",                     "6.12.1-amd64\n",                         "6.12.1-amd64" },
        {"kernel.version",   "/proc/sys/kernel/version",                       "#1 SMP Debian\n",                        "#1 SMP Debian"},
        {"firmware.vendor",  "/sys/class/dmi/id/bios_vendor",                  "American Megatrends\n",
         "American Megatrends"                                                                                                          },
        {"firmware.version", "/sys/class/dmi/id/bios_version",                 "  1.2b  \n",                             "1.2b"         },
        {"firmware.date",    "/sys/class/dmi/id/bios_date",                    "01/02/2025\n",                           "01/02/2025"   },
        {"machine.product",  "/sys/class/dmi/id/product_name",                 "R650\n",                                 "R650"         },
        {"smt.control",      "/sys/devices/system/cpu/smt/control",            "on\n",                                   "on"           },
        {"microcode",        "/sys/devices/system/cpu/cpu0/microcode/version", "0xd0003a5\n",                            "0xd0003a5"    },
        {"vuln.mds",         "/sys/devices/system/cpu/vulnerabilities/mds",    "Not affected\n",
         "Not affected"                                                                                                                 },
        {"os.release",       "/etc/os-release",                                "ID=debian\nPRETTY_NAME=\"Debian 12\"\n", "Debian 12"    },
        {"cpu.model-name",   "/proc/cpuinfo",
         "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 106\nmodel name\t: Xeon 8380\n"
         "microcode\t: 0x1\n\nprocessor\t: 1\nmodel name\t: other\n",                                                    "Xeon 8380"    },
    };
    struct tree t = tree_new();
    struct mig_snapshot *s;

    CHECK_EACH (c, cases) {
        put(&t, c->path, c->text);
    }
    put(&t, "/proc/cmdline", "quiet\n");
    mig_collect_host(t.builder, t.root, NULL);
    s = freeze(&t);
    CHECK_EACH (c, cases) {
        check_fact(s, c->fact, c->value, c->path);
    }
    check_fact(s, "cpu.vendor", "GenuineIntel", "/proc/cpuinfo");
    mig_snapshot_free(s);
    tree_free(&t);
}

CHECK_TEST(what_a_host_does_not_have_is_not_listed_and_what_it_must_have_is_unreadable)
{
    struct tree t = tree_new();
    struct mig_snapshot *s;

    mig_collect_host(t.builder, t.root, NULL);
    mig_collect_params(t.builder, t.root);
    s = freeze(&t);
    check_unreadable(s, "kernel.release", ENOENT);
    check_unreadable(s, "kernel.version", ENOENT);
    check_unreadable(s, "cmdline.*", ENOENT);
    check_unreadable(s, "cpu.vendor", ENOENT);
    check_unreadable(s, "cpu.model-name", ENOENT);
    check_unreadable(s, "microcode", ENOENT);
    check_number("all facts", 6, s->facts_len);
    check_number("registers", 0, s->entries_len);
    mig_snapshot_free(s);
    tree_free(&t);
}

CHECK_TEST(a_file_that_fails_to_read_is_recorded_with_its_errno)
{
    struct tree t = tree_new();
    struct mig_snapshot *s;

    put_folder(&t, "/proc/sys/kernel/osrelease");
    put_folder(&t, "/sys/devices/system/cpu/smt/control");
    put_folder(&t, "/etc/os-release");
    mig_collect_host(t.builder, t.root, NULL);
    s = freeze(&t);
    check_unreadable(s, "kernel.release", EISDIR);
    check_unreadable(s, "smt.control", EISDIR);
    check_unreadable(s, "os.release", EISDIR);
    mig_snapshot_free(s);
    tree_free(&t);
}

CHECK_TEST(malformed_files_give_safe_text)
{
    static const char zeros[] = "a\0b\x1b[31m\xff\n";
    struct tree t = tree_new();
    char *huge = mig_alloc(100000, 1);
    struct mig_snapshot *s;

    memset(huge, 'x', 100000);
    put_bytes(&t, "/proc/sys/kernel/osrelease", zeros, sizeof zeros - 1, 0644);
    put_bytes(&t, "/proc/sys/kernel/version", huge, 100000, 0644);
    put(&t, "/sys/class/dmi/id/bios_vendor", "");
    put(&t, "/proc/cpuinfo", "model name");
    put(&t, "/etc/os-release", "PRETTY_NAME=");
    put(&t, "/sys/devices/system/cpu/vulnerabilities/with space", "odd");
    mig_collect_host(t.builder, t.root, NULL);
    s = freeze(&t);
    check_fact(s, "kernel.release", "a?b?[31m?", "/proc/sys/kernel/osrelease");
    check_number("cut", MIG_FACT_TEXT_MAX, strlen(mig_snapshot_fact(s, "kernel.version")));
    check_fact(s, "firmware.vendor", "", "/sys/class/dmi/id/bios_vendor");
    check_fact(s, "os.release", "", "/etc/os-release");
    check_true("no model name", fact(s, "cpu.model-name") == NULL);
    check_true("no odd name", fact(s, "vuln.with space") == NULL);
    mig_free(huge);
    mig_snapshot_free(s);
    tree_free(&t);
}

CHECK_TEST(only_switches_that_matter_leave_the_command_line)
{
    static const struct {
        const char *label, *line, *name, *value; /* value NULL: not there */
    } cases[] = {
        {"with a value",       "quiet mitigations=off ro",  "cmdline.mitigations",      "off"       },
        {"bare",               "nosmt",                     "cmdline.nosmt",            "set"       },
        {"dash is underscore", "kvm-intel.nested=1",        "cmdline.kvm_intel.nested", "1"         },
        {"module parameter",   "kvm.ignore_msrs=1",         "cmdline.kvm.ignore_msrs",  "1"         },
        {"module name alone",  "kvm.",                      "cmdline.kvm.",             NULL        },
        {"repeated",           "clearcpuid=1 clearcpuid=2", "cmdline.clearcpuid",       "1 2"       },
        {"quoted",             "tsx=\"on off\" nosmt",      "cmdline.tsx",              "\"on off\""},
        {"longer name",        "mitigationsx=off",          "cmdline.mitigationsx",     NULL        },
        {"shorter name",       "mitigation=off",            "cmdline.mitigation",       NULL        },
        {"secret",             "password=hunter2 nosmt",    "cmdline.password",         NULL        },
        {"behind --",          "ro -- mitigations=off",     "cmdline.mitigations",      NULL        },
        {"value empty",        "mds= ro",                   "cmdline.mds",              ""          },
        {"unterminated quote", "tsx=\"on",                  "cmdline.tsx",              "\"on"      },
        {"arm64 override",     "arm64.nobti ro",            "cmdline.arm64.nobti",      "set"       },
        {"arm64 field",        "id_aa64isar1.gpi=0",        "cmdline.id_aa64isar1.gpi", "0"         },
        {"arm64 mode",         "kvm-arm.mode=nvhe",         "cmdline.kvm_arm.mode",     "nvhe"      },
    };

    CHECK_EACH (c, cases) {
        struct tree t = tree_new();
        struct mig_snapshot *s;

        put(&t, "/proc/cmdline", c->line);
        mig_collect_host(t.builder, t.root, NULL);
        s = freeze(&t);
        if (c->value == NULL) {
            check_true(c->label, fact(s, c->name) == NULL);
        } else {
            check_fact(s, c->name, c->value, "/proc/cmdline");
        }
        for (size_t i = 0; i < s->facts_len; i++) {
            check_true(c->label,
                       s->facts[i].value == NULL || strstr(s->facts[i].value, "hunter2") == NULL);
        }
        mig_snapshot_free(s);
        tree_free(&t);
    }
}

CHECK_TEST(parameters_of_loaded_modules_are_facts_and_the_tolerance_a_number)
{
    static const struct {
        const char *label, *tolerance;
        enum mig_known known;
        uint64_t ppm;
    } cases[] = {
        {"default",      "250\n",                  MIG_KNOWN,      250},
        {"none",         "0\n",                    MIG_KNOWN,      0  },
        {"not a number", "many\n",                 MIG_UNREADABLE, 0  },
        {"empty",        "",                       MIG_UNREADABLE, 0  },
        {"too large",    "99999999999999999999\n", MIG_UNREADABLE, 0  },
        {"negative",     "-1\n",                   MIG_UNREADABLE, 0  },
    };

    CHECK_EACH (c, cases) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_TOLERANCE_PPM);
        struct tree t = tree_new();
        struct mig_snapshot *s;
        uint64_t ppm;

        put(&t, "/sys/module/kvm/parameters/tsc_tolerance_ppm", c->tolerance);
        put(&t, "/sys/module/kvm/parameters/ignore_msrs", "N\n");
        put(&t, "/sys/module/kvm_intel/parameters/nested", "Y\n");
        put(&t, "/sys/module/ext4/parameters/other", "1\n");
        mig_collect_params(t.builder, t.root);
        s = freeze(&t);
        check_fact(s, "kvm.param.kvm.ignore_msrs", "N", "/sys/module/kvm/parameters/ignore_msrs");
        check_fact(s, "kvm.param.kvm_intel.nested", "Y", "/sys/module/kvm_intel/parameters/nested");
        check_number(c->label, 3, s->facts_len);
        check_number(c->label, c->known, mig_snapshot_get(s, reg, &ppm));
        check_number(c->label, c->ppm, ppm);
        mig_snapshot_free(s);
        tree_free(&t);
    }
}

CHECK_TEST(the_cpus_of_an_arm64_host_tell_what_they_are)
{
    static const struct {
        const char *label, *possible, *midr[6], *value, *differs;
    } cases[] = {
        {"one kind",
         "0-3",                              {"0x410fd0c0", "0x410fd0c0", "0x410fd0c0", "0x410fd0c0"},
         "0x410fd0c0",                                                                                                                           NULL                                  },
        {"two kinds",
         "0-5",                              {"0x411fd050", "0x411fd050", "0x414fd0b0", "0x411fd050", "0x414fd0b0", "0x414fd0b0"},
         "0x411fd050",                                                                                                                           "0x411fd050: 0-1 3; 0x414fd0b0: 2 4-5"},
        {"one of two is offline", "0-1",     {NULL, "0x410fd0c0"},                                                                 "0x410fd0c0", NULL                                  },
        {"one CPU",               "0",       {"0x410fd0c0"},                                                                       "0x410fd0c0", NULL                                  },
        {"a list",                "0-1,3-4", {"0x1", "0x1", NULL, "0x1", "0x2"},                                                   "0x1",        "0x1: 0-1 3; 0x2: 4"                  },
        {"another architecture",  "0-3",     {NULL},                                                                               NULL,         NULL                                  },
        {"too many",              "0-99999", {"0x1"},                                                                              NULL,         NULL                                  },
        {"nonsense",              "all",     {"0x1"},                                                                              NULL,         NULL                                  },
    };

    CHECK_EACH (c, cases) {
        struct tree t = tree_new();
        struct mig_snapshot *s;

        put(&t, "/sys/devices/system/cpu/possible", c->possible);
        for (int i = 0; i < 6; i++) {
            MIG_AUTO(mig_free)
            char *path = mig_strf("/sys/devices/system/cpu/cpu%d/regs/identification/midr_el1", i);

            if (c->midr[i] != NULL) {
                put(&t, path, c->midr[i]);
            }
        }
        mig_collect_midr(t.builder, t.root);
        s = freeze(&t);
        check_number(c->label, (c->value != NULL ? 1U : 0U) + (c->differs != NULL ? 1U : 0U),
                     s->facts_len);
        if (c->value != NULL) {
            check_fact(s, "cpu.midr", c->value,
                       "/sys/devices/system/cpu/cpu*/regs/identification/midr_el1");
        }
        if (c->differs != NULL) {
            check_fact(s, "cpu.midr-differs", c->differs,
                       "/sys/devices/system/cpu/cpu*/regs/identification/midr_el1");
        }
        mig_snapshot_free(s);
        tree_free(&t);
    }
}

CHECK_TEST(a_cpu_that_can_not_be_identified_is_unreadable)
{
    struct tree t = tree_new();
    struct mig_snapshot *s;

    put(&t, "/sys/devices/system/cpu/possible", "0-2\n");
    put(&t, "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", "0x410fd0c0\n");
    put(&t, "/sys/devices/system/cpu/cpu1/regs/identification/midr_el1", "neoverse\n");
    put_folder(&t, "/sys/devices/system/cpu/cpu0/regs/identification/revidr_el1");
    mig_collect_midr(t.builder, t.root);
    s = freeze(&t);
    check_text("the others", "0x410fd0c0", mig_snapshot_fact(s, "cpu.midr"));
    check_unreadable(s, "cpu.midr.1", EINVAL);
    check_unreadable(s, "cpu.revidr.0", EISDIR);
    check_number("all facts", 3, s->facts_len);
    mig_snapshot_free(s);
    tree_free(&t);
}

#if defined(__aarch64__)
#define QEMU "/usr/bin/qemu-system-aarch64"
#else
#define QEMU "/usr/bin/qemu-system-x86_64"
#endif

CHECK_TEST(a_vmm_says_its_version_or_why_not)
{
    static const struct {
        const char *label, *script, *value;
        mode_t mode;
        int errnum;
    } cases[] = {
        {"one line",              "#!/bin/sh\necho QEMU emulator version 9.1\n", "QEMU emulator version 9.1",
         0755,                                                                                                      0        },
        {"first of many",         "#!/bin/sh\necho one; echo two\n",             "one",                       0755, 0        },
        {"no newline",            "#!/bin/sh\nprintf bare\n",                    "bare",                      0755, 0        },
        {"asked for its version", "#!/bin/sh\necho \"$#:$1\"\n",                 "1:--version",               0755, 0        },
        {"no environment",        "#!/bin/sh\necho \"<$HOME$USER>\"\n",          "<>",                        0755, 0        },
        {"says nothing",          "#!/bin/sh\nexit 3\n",                         NULL,                        0755, ENODATA  },
        {"hangs",                 "#!/bin/sh\nexec sleep 100\n",                 NULL,                        0755, ETIMEDOUT},
        {"not executable",        "#!/bin/sh\necho no\n",                        NULL,                        0644, EACCES   },
        {"no program",            "this is text",                                NULL,                        0755, ENOEXEC  },
    };

    CHECK_EACH (c, cases) {
        struct tree t = tree_new();
        struct mig_snapshot *s;
        uint64_t start = mig_now_ms();

        put_bytes(&t, QEMU, c->script, strlen(c->script), c->mode);
        mig_collect_vmm(t.builder, t.root, NULL, 500);
        s = freeze(&t);
        check_true(c->label, mig_now_ms() - start < 5000);
        if (c->errnum != 0) {
            check_unreadable(s, "vmm.qemu", c->errnum);
        } else {
            check_fact(s, "vmm.qemu", c->value, QEMU " --version");
        }
        check_number(c->label, 1, s->facts_len);
        mig_snapshot_free(s);
        tree_free(&t);
    }
}

/* The process that wrote its id to /pid, once it has. */
static pid_t started(const struct tree *t)
{
    char text[MIG_COLLECT_TEXT_MAX];

    for (int i = 0; i < 5000; i++) {
        if (mig_collect_file_read(t->root, "/pid", text) == 0 && text[0] != '\0') {
            return (pid_t)strtol(text, NULL, 10);
        }
        (void)usleep(1000);
    }
    return 0;
}

static bool is_running(pid_t pid)
{
    char path[64], state;
    FILE *stat;
    bool running;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    stat = fopen(path, "r");
    if (stat == NULL) {
        return false;
    }
    running = fscanf(stat, "%*d %*s %c", &state) == 1 && state != 'Z';
    (void)fclose(stat);
    return running;
}

CHECK_TEST(a_vmm_that_hangs_dies_with_the_capture)
{
    struct tree t = tree_new();
    char *script = mig_strf("#!/bin/sh\necho $$ >%s/pid\nexec sleep 100\n", t.dir);
    pid_t capture, vmm;
    int tries = 0;

    put_bytes(&t, QEMU, script, strlen(script), 0755);
    capture = fork();
    if (capture == 0) {
        mig_collect_vmm(t.builder, t.root, NULL, 60000);
        _exit(0);
    }
    vmm = started(&t);
    check_true("the program runs", vmm > 0);
    (void)kill(capture, SIGKILL);
    (void)waitpid(capture, NULL, 0);
    while (tries < 5000 && is_running(vmm)) {
        (void)usleep(1000);
        tries++;
    }
    check_true("it has gone", tries < 5000);
    mig_free(script);
    tree_free(&t);
}

CHECK_TEST(an_endless_version_is_cut)
{
    static const char script[] = "#!/bin/sh\nwhile :; do printf xxxxxxxxxxxxxxxx; done\n";
    struct tree t = tree_new();
    struct mig_snapshot *s;

    put_bytes(&t, QEMU, script, strlen(script), 0755);
    mig_collect_vmm(t.builder, t.root, NULL, 5000);
    s = freeze(&t);
    check_true("cut", strlen(mig_snapshot_fact(s, "vmm.qemu")) < 512);
    mig_snapshot_free(s);
    tree_free(&t);
}

/* Counts how often it runs by growing a file beside it. */
static void put_counting_vmm(const struct tree *t, const char *version)
{
    MIG_AUTO(mig_free)
    char *script = mig_strf("#!/bin/sh\necho x >>%s/runs\necho %s\n", t->dir, version);

    put_bytes(t, QEMU, script, strlen(script), 0755);
}

static size_t runs(const struct tree *t)
{
    MIG_AUTO(mig_free) char *path = mig_strf("%s/runs", t->dir);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    struct mig_error err;

    check_done("runs", mig_file_read(path, 4096, &file, &err), &err);
    return file.len / 2;
}

/* One capture as the daemon does it. */
static struct mig_snapshot *capture_vmm(struct tree *t, struct mig_recall *recall)
{
    struct mig_snapshot *s;

    mig_collect_vmm_expect(recall, t->root);
    mig_collect_vmm(t->builder, t->root, recall, 5000);
    s = freeze(t);
    mig_recall_learn(recall, s);
    return s;
}

CHECK_TEST(a_version_is_asked_for_again_only_when_the_program_changed)
{
    struct tree t = tree_new();
    struct mig_recall *recall = mig_recall_new();
    struct mig_snapshot *s;

    put_counting_vmm(&t, "one");
    for (int i = 0; i < 3; i++) {
        s = capture_vmm(&t, recall);
        check_fact(s, "vmm.qemu", "one", QEMU " --version");
        mig_snapshot_free(s);
    }
    check_number("runs", 1, runs(&t));
    put_counting_vmm(&t, "two");
    for (int i = 0; i < 3; i++) {
        s = capture_vmm(&t, recall);
        check_fact(s, "vmm.qemu", "two", QEMU " --version");
        mig_snapshot_free(s);
    }
    check_number("runs", 2, runs(&t));
    mig_recall_free(recall);
    tree_free(&t);
}

CHECK_TEST(processor_facts_are_recalled)
{
    struct tree t = tree_new();
    struct mig_recall *recall = mig_recall_new();
    struct mig_snapshot *s;

    put(&t, "/proc/cpuinfo", "vendor_id\t: GenuineIntel\nmodel name\t: one\n");
    for (int i = 0; i < 2; i++) {
        mig_collect_host_expect(recall);
        mig_collect_host(t.builder, t.root, recall);
        s = freeze(&t);
        mig_recall_learn(recall, s);
        check_fact(s, "cpu.model-name", "one", "/proc/cpuinfo");
        mig_snapshot_free(s);
        put(&t, "/proc/cpuinfo", "model name\t: read again\n");
    }
    mig_recall_free(recall);
    tree_free(&t);
}

/* What the kernel, or an emulator of one, says of a request that a device does
 * not know. */
static int errno_of_foreign_request(void)
{
    MIG_AUTO(mig_fd_close) int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    return ioctl(fd, KVM_GET_API_VERSION, 0) == 0 ? 0 : errno;
}

CHECK_TEST(without_kvm_its_groups_are_unreadable_and_hold_nothing)
{
    static const enum mig_group groups[] = {
#if defined(__aarch64__)
        MIG_GROUP_KVM_VIEW,
        MIG_GROUP_IDREG,
        MIG_GROUP_REG_LIST,
        MIG_GROUP_ARM64,
        MIG_GROUP_CAP,
#else
        MIG_GROUP_KVM_VIEW,
        MIG_GROUP_CPUID,
        MIG_GROUP_CPUID_BARE,
        MIG_GROUP_CPUID_EMULATED,
        MIG_GROUP_CPUID_HV,
        MIG_GROUP_MSR,
        MIG_GROUP_MSR_LIST,
        MIG_GROUP_CAP,
        MIG_GROUP_TSC,
#endif
    };
    const struct {
        const char *label, *path; /* in the tree unless it is a device */
        int errnum;
        const char *what;
    } cases[] = {
        {"missing",        "/missing",  ENOENT,                     "open"                     },
        {"folder",         "/folder",   EISDIR,                     "open"                     },
        {"file",           "/file",     ENOTTY,                     "ioctl KVM_GET_API_VERSION"},
        {"fifo",           "/fifo",     ENOTTY,                     "ioctl KVM_GET_API_VERSION"},
        {"another device", "/dev/null", errno_of_foreign_request(), "ioctl KVM_GET_API_VERSION"},
    };
    struct tree t = tree_new();
    MIG_AUTO(mig_free) char *fifo = tree_path(&t, "/fifo");

    put(&t, "/file", "text");
    put_folder(&t, "/folder");
    check_true("fifo", mkfifo(fifo, 0600) == 0);
    CHECK_EACH (c, cases) {
        bool device = strncmp(c->path, "/dev/", 5) == 0;
        MIG_AUTO(mig_free) char *path = mig_strf("%s%s", device ? "" : t.dir, c->path);
        MIG_AUTO(mig_free) char *source = mig_strf("%s %s", c->what, path);
        struct mig_snapshot *s;

        mig_collect_kvm(t.builder, path);
        s = freeze(&t);
        CHECK_EACH (g, groups) {
            check_number(c->label, MIG_COVER_UNREADABLE, s->groups[*g].coverage);
            check_number(c->label, (uint64_t)c->errnum, (uint64_t)s->groups[*g].errnum);
            check_text(c->label, source, s->groups[*g].source);
        }
        check_number(c->label, 0, s->entries_len);
        mig_snapshot_free(s);
    }
    tree_free(&t);
}

CHECK_MAIN(
    cmocka_unit_test(host_facts_name_the_file_they_come_from),
    cmocka_unit_test(what_a_host_does_not_have_is_not_listed_and_what_it_must_have_is_unreadable),
    cmocka_unit_test(a_file_that_fails_to_read_is_recorded_with_its_errno),
    cmocka_unit_test(malformed_files_give_safe_text),
    cmocka_unit_test(only_switches_that_matter_leave_the_command_line),
    cmocka_unit_test(parameters_of_loaded_modules_are_facts_and_the_tolerance_a_number),
    cmocka_unit_test(the_cpus_of_an_arm64_host_tell_what_they_are),
    cmocka_unit_test(a_cpu_that_can_not_be_identified_is_unreadable),
    cmocka_unit_test(a_vmm_says_its_version_or_why_not),
    cmocka_unit_test(a_vmm_that_hangs_dies_with_the_capture),
    cmocka_unit_test(an_endless_version_is_cut),
    cmocka_unit_test(a_version_is_asked_for_again_only_when_the_program_changed),
    cmocka_unit_test(processor_facts_are_recalled),
    cmocka_unit_test(without_kvm_its_groups_are_unreadable_and_hold_nothing))
