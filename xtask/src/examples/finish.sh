#!/bin/sh
# Makes a Debian pass for the small images that examples use. $1 is its root.
set -eu
cd "$1"

# Scripts for Alpine call ash.
ln -s busybox bin/ash

# `or-command PROGRAM WORDS`: what begins with - belongs to the program, anything else is a command.
cat >usr/local/bin/or-command <<'END'
#!/bin/sh
program=$1
shift
case ${1:--} in
  -*) exec "$program" "$@" ;;
  *) exec "$@" ;;
esac
END
chmod 0755 usr/local/bin/or-command

# Images for git without root have this user.
chroot . groupadd --gid 1000 nonroot
chroot . useradd --uid 1000 --gid 1000 --create-home --shell /bin/sh nonroot

# A server for ssh makes its keys itself, in a folder that systemd would make.
rm -rf etc/ssh/ssh_host_* root/.ssh run/*
mkdir run/sshd

rm -rf var/lib/apt/lists var/cache/apt etc/hostname etc/resolv.conf
