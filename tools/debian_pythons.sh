#!/usr/bin/env bash
# Run a command in a Debian root with CPython 3.14 and 3.15, from this checkout: for a machine whose own Debian is older than they are.
#
#   tools/debian_pythons.sh python3.15 --version
#   tools/debian_pythons.sh                          make the root, or say that it is there
#
# Needs root on a Debian machine. The root is made once, in a minute or two, from Debian's unstable suite, and kept in .pythons/; remove
# that folder (or `make clean`) for a newer one. The checkout is /alicred in it. Mounts and processes live in namespaces of the command's
# own: they end with it, however it ends. Exits with what the command exits with; where it cannot be run, says why.
set -euo pipefail

suite=unstable
packages=python3.14,python3.14-venv,python3.15,python3.15-venv,ca-certificates
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
kept=$checkout/.pythons
root=$kept/root

fail() {
    echo "tools/debian_pythons.sh: $*" >&2
    exit 125
}

# Where this machine gets Debian from, and Debian's own address after that.
mirrors() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v codename="$codename" '$1 == codename && $2 == "main" && !seen[$3]++ { print $3 }'
    echo http://deb.debian.org/debian/
}

make_root() {
    if ! command -v debootstrap >/dev/null; then
        echo "installing debootstrap ..." >&2
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends debootstrap >/dev/null ||
            fail "debootstrap is missing and cannot be installed"
    fi
    local mirror beside=$kept/root.new
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    [ -z "${http_proxy:-}" ] || export http_proxy
    for mirror in $(mirrors | awk '!seen[$0]++'); do
        echo "making a root with ${packages//,/, } from $suite ..." >&2
        rm -rf --one-file-system "$beside"
        if timeout 1200 debootstrap --force-check-gpg --variant=minbase --include="$packages" "$suite" "$beside" "$mirror" >"$kept/log" 2>&1; then
            rm -rf "$beside"/var/cache/apt/archives/*.deb "$beside"/var/lib/apt/lists/*
            mkdir -p "$beside/alicred"
            touch "$beside"/etc/{resolv.conf,hosts,pip.conf}
            echo "$suite $packages" >"$beside/.complete"
            rm -rf --one-file-system "$root"
            mv "$beside" "$root"
            return
        fi
        tail -n 5 "$kept/log" >&2
    done
    fail "debootstrap failed; the whole of its output is in $kept/log"
}

# Process 1 of the namespaces: its end is the end of every process and of every mount in them, those of debootstrap among them.
if [ "${1:-}" = --inside ]; then
    shift
    mkdir -p "$kept"
    (
        flock 9
        [ "$(cat "$root/.complete" 2>/dev/null)" = "$suite $packages" ] || make_root
    ) 9>"$kept/lock"
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$checkout" "$root/alicred"
    # The network's names, its certificates and its package index are the machine's.
    for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
        [ ! -f "$file" ] || mount --bind "$file" "$root$file"
    done
    [ $# -gt 0 ] || set -- sh -c 'for python in /usr/bin/python3.??; do "$python" --version; done'
    status=0
    HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" env --chdir=/alicred "$@" || status=$?
    exit "$status"
fi

[ "$(id -u)" = 0 ] || fail "needs root"
grep -qx 'ID=debian' /etc/os-release 2>/dev/null || fail "needs Debian"
namespaces=(unshare --mount-proc --pid --fork --kill-child)
refused=$("${namespaces[@]}" true 2>&1) || fail "this machine does not let make namespaces (a container needs CAP_SYS_ADMIN): $refused"
exec "${namespaces[@]}" bash "${BASH_SOURCE[0]}" --inside "$@"
