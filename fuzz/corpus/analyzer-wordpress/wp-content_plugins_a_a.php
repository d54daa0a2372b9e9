wp-content/plugins/a/a.php
<?php
/*
 * Plugin Name: A
 * Version: 1.0
 */
