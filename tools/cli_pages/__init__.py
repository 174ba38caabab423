"""Run the commands that the pages show, and put what they print on the pages.

    python -m tools.cli_pages                     every page with a block that is run
    python -m tools.cli_pages docs/cli/get.md     this page (name more for more)
    python -m tools.cli_pages --check             change nothing; list the pages that are not current, exit status 1 if any
    python -m tools.cli_pages --try role 'alicred whoami'            run one command in a world, and print what a page would show
    python -m tools.cli_pages --try role,terminal 'alicred whoami'   the same at a terminal

A block that is run looks like this in the source of a page; a comment stands right before the fence:

    <!-- run: role -->
    ```console
    $ alicred whoami
    what it prints
    $ echo $?
    0
    ```

Write the lines that begin with ``$ ``, and with ``> `` right below them where a command goes on; everything else in the block is made. All
commands of a block run in one bash, one after the other, so that ``$?`` and variables are as a reader would have them. Output and errors
come in the order in which they are printed. Each block gets a sandbox of its own: a home (``/home/ada`` on the page) with nothing in it but
what the world puts there, and a fake cloud. ``alicred`` is the one of this checkout. It reaches nothing beyond loopback: names cannot be
looked up, and the metadata service cannot be reached unless the world is on an instance.

What stands behind ``run:`` is the name of a world (`tools.cli_pages.worlds`: a function for each, add one if none fits), then, separated by
commas:

    terminal    output goes to a terminal, 100 columns wide (without colour)
    chinese     LANG=zh_CN.UTF-8

Ids, times and tokens change with every run. A block is written again only if something else in it has changed, which `masked` decides;
``tests/cli/test_pages.py`` compares in the same way. Long tokens are cut short on the page.
"""
