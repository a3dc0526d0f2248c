"""The processes of one machine: what they share in the data folder (`places`, `locks`), and the supervisor that starts and watches them."""
