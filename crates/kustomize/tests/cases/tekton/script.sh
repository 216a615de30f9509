#!/bin/sh
echo "<&>" é
