# architectures.sh, sourced: how the tools call Debian's architectures.

triplet_of() {
  case $1 in
    amd64) echo x86_64-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    armhf) echo arm-linux-gnueabihf ;;
    *) echo "cross: unknown architecture '$1' (amd64, arm64, armhf)" >&2; return 2 ;;
  esac
}

# Debian's native compilers carry this prefix as well.
compiler_prefix_of() { echo "$(triplet_of "$1")-"; }

openssl_target_of() {
  case $1 in
    amd64) echo linux-x86_64 ;;
    arm64) echo linux-aarch64 ;;
    armhf) echo linux-armv4 ;;
  esac
}
