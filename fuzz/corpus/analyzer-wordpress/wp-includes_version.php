wp-includes/version.php
<?php
$wp_version = '6.4';
