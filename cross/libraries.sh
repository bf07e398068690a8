#!/usr/bin/env bash
# libraries.sh ARCH DIR: builds what sysroot.sh fetched as source and what is no C++ (OpenSSL and SQLite) into DIR/sysroot. The C++ ones
# are compiled along with the agent (modules/). Every path that a compiler sees is relative, so that none gets into the bytes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arch=$1
directory=$(cd "$2" && pwd)
# shellcheck source=cross/architectures.sh
source "$here/architectures.sh"
triplet=$(triplet_of "$arch")
libraries=$directory/sysroot/usr/lib/$triplet
headers=$directory/sysroot/usr/include
flags=(-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -g0)
export LC_ALL=C SOURCE_DATE_EPOCH=1

logged() {
  local log=$directory/libraries.log
  "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2; echo "cross: '$1' failed (the whole log: $log)" >&2; return 1; }
}

# TLS 1.2 and 1.3 with AES-GCM, ChaCha20-Poly1305, ECDHE, RSA, ECDSA and Ed25519; PSK and sockets because Paho refers to them.
openssl_without=(aria async autoload-config bf blake2 camellia cast cmp cms comp ct des dsa dso dtls ec2m engine gost idea legacy md4
  mdc2 module multiblock nextprotoneg ocb ocsp rc2 rc4 rfc3779 rmd160 scrypt seed shared siphash siv sm2 sm3 sm4 srp srtp
  ssl3 ssl-trace tests tls1 tls1_1 ts ui-console whirlpool asm)

build_openssl() {
  cd "$directory/sources/openssl"
  # Without assembler the C code of AES would look up tables with secret indexes; this variant does not.
  logged ./Configure "$(openssl_target_of "$arch")" --cross-compile-prefix="$(compiler_prefix_of "$arch")" \
    --prefix=/usr --openssldir=/etc/ssl --libdir=lib "${openssl_without[@]/#/no-}" \
    --sysroot=../../sysroot "${flags[@]}" -DOPENSSL_AES_CONST_TIME
  logged make -s -j "$(nproc)" build_generated libcrypto.a libssl.a
  cp libcrypto.a libssl.a "$libraries"
  cp -r include/openssl "$headers"
}

# What the agent's store does not use. Some change the grammar, which is made from the same list. Virtual tables stay: without them
# the grammar has no ALTER TABLE.
sqlite_without=(ANALYZE AUTHORIZATION COMPLETE DEPRECATED EXPLAIN GET_TABLE INCRBLOB JSON LOAD_EXTENSION PROGRESS_CALLBACK
  SHARED_CACHE TCL_VARIABLE TRACE UTF16 WINDOWFUNC)
sqlite_with=(SQLITE_DQS=0 SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_LIKE_DOESNT_MATCH_BLOBS SQLITE_THREADSAFE=1 SQLITE_SECURE_DELETE
  HAVE_FDATASYNC=1 HAVE_USLEEP=1 HAVE_STRERROR_R=0)

build_sqlite() {
  local options=("${sqlite_without[@]/#/-DSQLITE_OMIT_}" "${sqlite_with[@]/#/-D}")
  cd "$directory/sources/sqlite3"
  logged env CFLAGS=-O1 ./configure --disable-tcl --disable-readline --disable-shared
  logged make -s -j "$(nproc)" OPTS="${options[*]}" sqlite3.c
  logged "$(compiler_prefix_of "$arch")gcc" --sysroot=../../sysroot "${flags[@]}" "${options[@]}" -c sqlite3.c -o sqlite3-small.o
  rm -f "$libraries/libsqlite3.a"
  logged "$(compiler_prefix_of "$arch")ar" crD "$libraries/libsqlite3.a" sqlite3-small.o
  cp sqlite3.h "$headers"
  printf '%s\n' 'Name: sqlite3' 'Description: SQLite' "Version: $(cat VERSION)" 'Libs: -lsqlite3' >"$libraries/pkgconfig/sqlite3.pc"
}

echo "cross: building OpenSSL and SQLite for $triplet"
build_openssl
build_sqlite
