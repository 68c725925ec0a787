/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook/exec.h: "mig-hook exec": a gate in front of one command.
 */
#pragma once

/* @argv[0] is "exec".  On yes this becomes the command and does not return;
 * else it gives the exit status of the verdict. */
int exec_run(int argc, char **argv);
