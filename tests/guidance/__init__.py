"""Tests; a package so that files of the same name may live in other folders."""
