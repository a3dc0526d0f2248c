"""Ways to be paid, behind one interface (`base.Gateway`); which there are says `settings.GATEWAYS`, and `registry` finds them.

A gateway knows no rows of ours: it is handed orders and answers with facts (`facts`), which the services write into the books.
"""
