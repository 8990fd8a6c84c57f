#!/bin/sh
# pkg_config.sh PREFIX LIBDIR LIBEXECDIR COMPILER SOURCE SCRATCH: builds and runs a suite with what pkg-config says.
set -eu
export PKG_CONFIG_PATH=$1/$2/pkgconfig
program=$6/pkg_config_kv_test
modules='curfew-main curfew-servers'
# shellcheck disable=SC2046,SC2086 # flags are words
$4 "$5" -o "$program" $(pkg-config --cflags --libs $modules)
# Without CMake nobody has told the program where the prefix is: that of the configuration, or this.
CURFEW_KEEPER_PROGRAM=$1/$3/curfew/curfew-keeper "$program"
