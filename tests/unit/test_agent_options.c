/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/options.h"
#include "base/alloc.h"
#include "base/file.h"

/* Split at spaces, behind the program's name. */
static bool parse(const char *line, struct mig_agent_options *ret, struct mig_error *err)
{
    char *copy = mig_strdup(line), *rest = copy, *word, program[] = "mig-agentd";
    char *argv[16] = {program};
    int argc = 1;
    bool good;

    while ((word = strsep(&rest, " ")) != NULL) {
        if (*word != '\0') {
            argv[argc++] = word;
        }
    }
    good = mig_agent_options_parse(argc, argv, ret, err);
    mig_free(copy);
    return good;
}

static char *write_config(const char *text)
{
    char *path = mig_strdup("/tmp/agentd-XXXXXX");
    int fd = mkstemp(path);
    struct mig_error err;

    check_done("config", mig_fd_write(fd, path, text, strlen(text), &err), &err);
    mig_fd_close(fd);
    return path;
}

CHECK_TEST(the_command_line_wins_over_the_file_and_the_file_over_defaults)
{
    static const struct {
        const char *label, *file, *line, *kvm, *listen;
        uint64_t peers;
    } cases[] = {
        {"defaults",         "",                                            "",                        "/dev/kvm", MIG_AGENT_LISTEN, 64},
        {"file",             "kvm = /a\nmax-peers = 5\nlisten = unix:/x\n", "",                        "/a",       "unix:/x",        5 },
        {"line",             "kvm = /a\nmax-peers = 5\n",                   "--kvm /b --max-peers=7",  "/b",       MIG_AGENT_LISTEN, 7 },
        {"addresses add up", "listen = a:1\n",                              "-l b:2 --listen c:3,d:4", "/dev/kvm",
         "a:1,b:2,c:3,d:4",                                                                                                          64},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *path = write_config(c->file);
        MIG_AUTO(mig_free) char *line = mig_strf("%s --config %s", c->line, path);
        MIG_AUTO(mig_agent_options_clear) struct mig_agent_options o;
        struct mig_error err;

        check_done(c->label, parse(line, &o, &err), &err);
        check_text(c->label, c->kvm, o.kvm);
        check_text(c->label, c->listen, o.listen);
        check_number(c->label, c->peers, o.max_peers);
        check_number(c->label, 3000, o.capture_timeout_ms);
        check_number(c->label, MIG_AGENT_SERVE, o.command);
        (void)unlink(path);
    }
}

CHECK_TEST(what_makes_no_sense_is_refused_and_named)
{
    static const struct {
        const char *label, *file, *line, *expected;
    } cases[] = {
        {"unknown key",          "kvm = /a\nspeed = 1\n",  "",                     "line 2: unknown key 'speed'"          },
        {"switch in a file",     "help = yes\n",           "",                     "line 1: unknown key 'help'"           },
        {"no equals sign",       "kvm\n",                  "",                     "line 1: expected 'key = value'"       },
        {"bad number in a file", "\n\nmax-peers = many\n", "",
         "line 3: max-peers: expected a number"                                                                           },
        {"no peers",             "max-peers = 0\n",        "",                     "max-peers: expected 1 to"             },
        {"too many peers",       "",                       "--max-peers 100000",   "max-peers: expected 1 to"             },
        {"no time",              "",                       "--capture-timeout 0s", "capture-timeout: expected 50ms to 60s"},
        {"unknown option",       "",                       "--speed",              "unknown option '--speed'"             },
        {"unknown command",      "",                       "snapshoot",            "unknown command 'snapshoot'"          },
        {"two commands",         "",                       "snapshot now",         "unexpected argument 'now'"            },
        {"behind --",            "",                       "snapshot -- now",      "unexpected argument 'now'"            },
        {"json while serving",   "",                       "--json",               "--json goes with 'snapshot'"          },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *path = write_config(c->file);
        MIG_AUTO(mig_free) char *line = mig_strf("--config %s %s", path, c->line);
        MIG_AUTO(mig_agent_options_clear) struct mig_agent_options o;
        struct mig_error err = {0};

        check_true(c->label, !parse(line, &o, &err));
        check_number(c->label, MIG_USAGE, err.code);
        check_contains(c->label, c->expected, err.msg);
        (void)unlink(path);
    }
}

CHECK_TEST(a_configuration_file_that_is_named_must_be_there)
{
    MIG_AUTO(mig_agent_options_clear) struct mig_agent_options o;
    struct mig_error err;

    check_true("missing", !parse("--config /nonexistent/agentd.conf", &o, &err));
    check_contains("missing", "/nonexistent/agentd.conf: No such file", err.msg);
}

CHECK_TEST(what_is_dumped_loads_again)
{
    MIG_AUTO(mig_agent_options_clear) struct mig_agent_options first, second;
    char text[4096] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    struct mig_error err;
    char *path, *line;

    check_done("first",
               parse("-l a:1 -l b:2 --kvm /k --crl /c -v --capture-timeout 250ms", &first, &err),
               &err);
    mig_agent_options_dump(&first, out);
    (void)fclose(out);
    path = write_config(text);
    line = mig_strf("--config %s", path);
    check_done("second", parse(line, &second, &err), &err);
    check_text("listen", first.listen, second.listen);
    check_text("kvm", first.kvm, second.kvm);
    check_text("crl", first.crl, second.crl);
    check_true("verbose", second.verbose);
    check_true("no name", second.name == NULL);
    check_number("timeout", 250, second.capture_timeout_ms);
    (void)unlink(path);
    mig_free(path);
    mig_free(line);
}

CHECK_MAIN(cmocka_unit_test(the_command_line_wins_over_the_file_and_the_file_over_defaults),
           cmocka_unit_test(what_makes_no_sense_is_refused_and_named),
           cmocka_unit_test(a_configuration_file_that_is_named_must_be_there),
           cmocka_unit_test(what_is_dumped_loads_again))
